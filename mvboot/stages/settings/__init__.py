"""What each stage can be told. These modules import nothing heavy, so ``--help`` is quick."""
