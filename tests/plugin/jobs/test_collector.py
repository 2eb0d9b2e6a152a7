import gc

from plugin.jobs import collector


def test_the_collector_looks_at_young_objects_rarely_and_no_more_at_what_is_there():
    before = gc.get_threshold()
    try:
        collector.relax()
        assert gc.get_threshold()[0] == collector.YOUNG_OBJECTS
        assert gc.get_freeze_count() > 1000
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
