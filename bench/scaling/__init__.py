"""What a larger stack does and costs on real SQS: formulas, a simulation that checks them, and docs/scaling.md."""
