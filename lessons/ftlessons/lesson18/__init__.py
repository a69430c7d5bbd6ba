"""What only lesson 18 needs: broken fine-tunes, each a short script with one wrong line."""
