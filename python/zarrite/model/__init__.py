"""What an array or a group is: frozen, complete, and free of anything that waits.

A model is made by parsing documents (`zarrite.formats`) or by `ArrayModel.create`; the engine runs what
`ArrayModel.lower` gives.
"""
