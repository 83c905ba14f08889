"""What this project costs as functions of AWS Lambda, measured on this machine: they run by AWS's own runtime."""
