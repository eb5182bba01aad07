"""Upgrades of a database that holds rows, from the schema of 0.1.0 as it was first run to the present one."""
