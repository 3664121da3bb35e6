from mvboot.cli import main

main()
