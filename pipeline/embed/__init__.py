"""Embeddings from networks that never saw the patient."""
