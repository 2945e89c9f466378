"""Branches, checks, recomputation: ops that decide what runs.

Ops whose values a program computes with belong to another family.
"""
