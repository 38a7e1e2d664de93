"""
Files for tasks, brought by a process that has no more rights than the task will have.

``fetcher`` is the agent's side: orders, the cache, and processes.  ``program`` is what such a
process runs; it and what it uses (``sources``, ``archives``, ``files``) import little else.
"""
