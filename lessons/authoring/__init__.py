"""What builds the course, and no learner needs: lessons run and checked, results recorded, models pre-trained."""
