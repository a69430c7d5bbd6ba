"""What lesson 15, Learning from demonstrations, needs beside its notebook."""
