"""The task types: one file each, pure domain. A module here that defines `TASK_TYPE` is one (see task_type.py)."""
