"""What drove each action of one episode while its command ran down?"""
