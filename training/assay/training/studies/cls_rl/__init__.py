"""Think or not: supervised tuning against reinforcement with and without thinking, on real images (CLS-RL)."""
