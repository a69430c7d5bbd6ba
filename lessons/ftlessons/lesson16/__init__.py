"""What lesson 16, Pick and place, needs beside its notebook."""
