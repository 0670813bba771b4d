"""What a folder holds, and the params that follow from it; no stage, a command of its own."""
