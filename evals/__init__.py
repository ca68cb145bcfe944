"""What is right, and how sure we are. Imports the floor of data, and no trainer."""
