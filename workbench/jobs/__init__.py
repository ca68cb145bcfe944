"""Jobs in the background: started, watched, reconciled, their time left."""
