"""For those who write lessons: run, measure, normalise and check the notebooks.

``python -m authoring lessons`` is the command (`authoring.notebooks.command`); `authoring.notebooks.rules` holds what
every lesson must keep to.
"""
