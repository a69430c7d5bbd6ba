"""What all lessons share: guesses, quizzes, exercises, claims, players, and the learner's own record of them."""
