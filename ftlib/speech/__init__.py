"""Speech: recordings, an alphabet without silence (CTC), words from a list, and tasks on clips."""
