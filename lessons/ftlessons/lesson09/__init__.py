"""What lesson 09, Finance news, needs beside its notebook."""
