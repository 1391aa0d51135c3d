"""A stand-in for the LINE platform: the phone, the Messaging API, LIFF, webhooks and faults.

Owns everything that LINE would own, in memory, and forgets it when it stops.
It must not import a service, nor know any rule of the loyalty program.
"""
