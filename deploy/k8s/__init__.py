"""Kubernetes: manifests for kustomize, and what holds them to the rest of the product.

The manifests are `base`, `components` and `overlays`; docs/kubernetes.md is how they are used. The
modules here only read what they render to, and say what is wrong with it: `make check` runs them.
"""
