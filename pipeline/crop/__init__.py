"""One ROI per lesion image: bounding box plus margin."""
