"""The loop language: what a kernel computes (statements), apart from how it runs (schedules).

Here live the statements, their builder, checker, interpreter and text form, and schedules as functions on statements.
Nothing here knows an op or a target: ops state kernels in their own files, and backends print them.
"""
