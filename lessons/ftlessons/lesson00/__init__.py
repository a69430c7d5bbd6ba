"""What lesson 00, Start here, needs beside its notebook."""
