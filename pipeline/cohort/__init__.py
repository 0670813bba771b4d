"""Imports a source of images, masks and patients, and audits it."""
