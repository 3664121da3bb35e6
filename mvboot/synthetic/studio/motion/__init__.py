"""How subjects move: activities of people, quadrupeds and any other skeleton."""

from mvboot.synthetic.studio.motion.motion import Motion, Poses, gait_names, sample_motion

__all__ = ["Motion", "Poses", "gait_names", "sample_motion"]
