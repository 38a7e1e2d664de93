"""
Measurements, each against a yardstick that runs beside it.

``python -m benchmarks [--quick] [NAME ...]`` runs all of them or some.
"""
