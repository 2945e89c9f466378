"""From a rewritten program to a plan: specialisation, schedule, memory, costs, tuning.

May import `backend` and below; knows no session.
"""
