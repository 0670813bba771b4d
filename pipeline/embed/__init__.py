"""Embeddings from networks that were never trained on the patient."""
