"""What lesson 14, Dictation, medical and legal, needs beside its notebook."""
