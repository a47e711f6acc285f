-- After a restore: cancels what is open, and numbers anew what follows.
SELECT amt.recovery_begin() AS cancelled
