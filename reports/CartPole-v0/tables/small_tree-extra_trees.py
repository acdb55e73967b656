def policy(cart_position, cart_velocity, pole_angle, pole_angular_velocity, desired_return, desired_horizon):
    # Actions: 0 push left, 1 push right.
    # Inputs: cart_position in m, cart_velocity in m/s, pole_angle in rad, pole_angular_velocity in
    # rad/s, desired_return in reward, desired_horizon in steps.
    if pole_angular_velocity <= 0.038999998942017555:  # 0.039 rad/s
        if pole_angle <= 0.04519999958574772:  # 0.0452 rad
            if pole_angular_velocity <= -0.08700000122189523:  # -0.087 rad/s
                if desired_return <= 12.599999904632567:  # 12.6 reward
                    if pole_angle <= -0.08920000120997429:  # -0.0892 rad
                        return 0  # push left
                    else:
                        return 1  # push right
                else:
                    return 0  # push left
            else:
                if cart_velocity <= 0.036999998614192:  # 0.037 m/s
                    if pole_angle <= 0.020799999125301838:  # 0.0208 rad
                        if desired_return <= 20.09999942779541:  # 20.1 reward
                            return 1  # push right
                        else:
                            return 0  # push left
                    else:
                        return 1  # push right
                else:
                    return 0  # push left
        else:
            if desired_horizon <= 17.000000953674316:  # 17 steps
                return 0  # push left
            else:
                if pole_angular_velocity <= -0.22099999338388446:  # -0.221 rad/s
                    return 0  # push left
                else:
                    return 1  # push right
    else:
        if pole_angle <= -0.021899999119341377:  # -0.0219 rad
            return 1  # push right
        else:
            if desired_return <= 12.599999904632567:  # 12.6 reward
                if pole_angle <= 0.16870000213384626:  # 0.1687 rad
                    if pole_angular_velocity <= 1.1110000014305113:  # 1.111 rad/s
                        return 0  # push left
                    else:
                        return 1  # push right
                else:
                    if cart_velocity <= 1.0890000462532043:  # 1.089 m/s
                        return 1  # push right
                    else:
                        return 0  # push left
            else:
                return 1  # push right
