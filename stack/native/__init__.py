"""The stack without containers: processes of this machine, under supervisord."""
