"""What lesson 01, Neural networks, needs beside its notebook."""
