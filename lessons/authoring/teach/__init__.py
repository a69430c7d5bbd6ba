"""The teacher's kit, made from the notebooks: guides, plans, slides, a student and an instructor edition.

``python -m authoring teach`` is the command (`authoring.teach.command`).
"""
