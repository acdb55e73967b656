"""Studies: many trainings from one description, spread over processes and machines, resumed, and written as one table.

``config`` says which trainings, ``places`` where each leaves what, ``states`` how far each is, ``cells`` trains one,
``records`` makes the rows of ``study.csv``, ``study`` runs them all, ``options`` and
``batch_script`` serve the command.
"""
