"""Sub-regions (habitats) of each lesion, clustered on training voxels, and rings along its border."""
