"""What every test has: hypothesis without deadlines, since machines are shared and no test may judge by the clock."""

from hypothesis import settings

settings.register_profile("haulier", deadline=None)
settings.load_profile("haulier")
