"""
What each port promises, as test mixins that every provider is held to.

Import the module, not the mixin, or trial collects the mixin itself.
"""
