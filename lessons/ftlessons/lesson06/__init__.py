"""What lesson 06, Sentiment with BERT, needs beside its notebook."""
