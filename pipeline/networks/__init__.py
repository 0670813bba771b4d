"""Networks, one file each, their weights and their inputs."""
