"""Those who keep record of what happens on a server: told of it, without a part in it."""
