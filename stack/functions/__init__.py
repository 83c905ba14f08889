"""The stack as functions: the template of AWS, deployed into LocalStack, which runs each function as a process."""
