process.stdout.write('.')
process.exit(0)
