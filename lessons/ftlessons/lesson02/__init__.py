"""What lesson 02, Pre-trained models, needs beside its notebook."""
