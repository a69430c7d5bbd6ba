"""What lesson 20, Your own data, needs beside its notebook."""
