"""A simulated robot arm: its world, skills shown by experts, rollouts, and tasks learnt from demonstrations."""
