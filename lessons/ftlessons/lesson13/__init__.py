"""What lesson 13, WaveNet and CTC, needs beside its notebook."""
