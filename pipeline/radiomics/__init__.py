"""Radiomics features of each ROI, and the dictionary that defines them."""
