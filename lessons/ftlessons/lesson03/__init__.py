"""What lesson 03, The fine-tuning recipe, needs beside its notebook."""
